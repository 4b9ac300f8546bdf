// Prints the counts of a vitest result (JSON reporter) as one line, and fails unless tests ran and none failed.
import { readFileSync } from "node:fs";

const result = JSON.parse(readFileSync(process.argv[2], "utf8"));
const brokenFiles = result.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
);
const failed = result.numFailedTests + brokenFiles.length;
if (result.numPendingTests + result.numTodoTests > 0)
  console.log(`${result.numPendingTests + result.numTodoTests} skipped`);
console.log(`${result.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed === 0 && result.numPassedTests > 0 && result.success ? 0 : 1;
