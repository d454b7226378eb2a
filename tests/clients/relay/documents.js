// What relay-compiler reads; relay.mjs runs what it writes.
import { graphql } from "relay-runtime";

graphql`
  mutation documentsMakeMutation($items: [CreateCustomerItem!]!) {
    createCustomers(input: { items: $items }) {
      results {
        customer {
          id
        }
      }
    }
  }
`;
graphql`
  fragment documents_page on Query
  @refetchable(queryName: "documentsPageQuery")
  @argumentDefinitions(
    prefix: { type: "String!" }
    first: { type: "Int", defaultValue: 2 }
    after: { type: "String" }
  ) {
    customers(where: { name: { startsWith: $prefix } }, orderBy: [NAME_ASC], first: $first, after: $after)
      @connection(key: "documents_customers") {
      edges {
        node {
          id
          name
          stage {
            label
          }
        }
      }
    }
  }
`;
graphql`
  mutation documentsRenameMutation($id: ID!, $name: String!) {
    updateCustomer(input: { id: $id, name: $name }) {
      customer {
        id
        name
      }
    }
  }
`;
