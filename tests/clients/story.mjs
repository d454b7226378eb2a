// What every client does here: makes five customers, walks them page by page, renames one, and
// is refused. Each script prints what it saw, in these words.
export const url = process.argv[2];
export const prefix = process.argv[3];
export const numbers = [1, 2, 3, 4, 5];
export const items = numbers.map((number) => ({ name: `${prefix} ${number}` }));

export const MAKE = /* GraphQL */ `
  mutation Make($items: [CreateCustomerItem!]!) {
    createCustomers(input: { items: $items }) {
      results {
        customer {
          id
        }
      }
    }
  }
`;
export const PAGE = /* GraphQL */ `
  query Page($prefix: String!, $first: Int, $after: String) {
    customers(where: { name: { startsWith: $prefix } }, orderBy: [NAME_ASC], first: $first, after: $after) {
      totalCount
      edges {
        cursor
        node {
          id
          name
          stage {
            id
            label
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
        hasPreviousPage
        startCursor
      }
    }
  }
`;
export const RENAME = /* GraphQL */ `
  mutation Rename($id: ID!, $name: String!) {
    updateCustomer(input: { id: $id, name: $name }) {
      customer {
        id
        name
      }
    }
  }
`;

export function tell(names, renamed, code) {
  console.log(`walked ${names.map((name) => name.replace(prefix, "").trim()).join(" ")}`);
  console.log(`renamed ${renamed.replace(prefix, "").trim()}`);
  console.log(`refused ${code}`);
}
