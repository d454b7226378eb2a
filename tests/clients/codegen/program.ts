import { graphql } from "../generated/codegen/index";
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";

const page = graphql(`
  query Page($where: CustomerWhere, $after: String) {
    customers(where: $where, orderBy: [NAME_ASC], first: 2, after: $after) {
      nodes {
        id
        name
        createdAt
        loyaltyPoints
        stage {
          label
        }
      }
      pageInfo {
        endCursor
      }
    }
  }
`);

type Row = ResultOf<typeof page>["customers"]["nodes"][number];
export const told = ({ name, createdAt, loyaltyPoints, stage }: Row): string =>
  `${name.trim()} ${createdAt.slice(0, 10)} ${BigInt(loyaltyPoints) + 1n} ${stage.label.trim()}`;
export const asked: VariablesOf<typeof page> = { where: { name: { startsWith: "A" } } };
// @ts-expect-error  there is no such filter
export const wrong: VariablesOf<typeof page> = { where: { shoeSize: { eq: 7 } } };
