/* The module that a Lambda function names as its handler: `lambda-function.handler`. */
import { lambdaHandler } from "./lambda.ts";
import { functionGateway } from "./wiring.ts";

/** Answers requests by the store that the environment names; a line of JSON for each goes to the function's log. */
export const handler = lambdaHandler(
  await functionGateway({
    onAccess: (record) => void process.stdout.write(`${JSON.stringify(record)}\n`),
    onFault: (fault) => void process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`),
  }),
);
