// Makes types of what the endpoint says of itself; tsc --strict then holds codegen/program.ts to them.
import { generate } from "@graphql-codegen/cli";

await generate(
  {
    schema: process.argv[2],
    documents: ["codegen/program.ts"],
    silent: true,
    errorsOnly: true,
    generates: {
      "generated/codegen/": {
        preset: "client",
        config: {
          useTypeImports: true,
          scalars: { BigInt: "string", CurrencyCode: "string", Date: "string", DateTime: "string", Decimal: "string", JSON: "unknown" },
          strictScalars: true,
        },
      },
    },
  },
  true,
);
