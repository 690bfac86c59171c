// Reads JSON lines from stdin, each a state machine definition; prints a JSON line of findings for each.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
const validate = createRequire(import.meta.url)("asl-validator");
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { isValid, errorsText } = validate(JSON.parse(line), { checkPaths: true, checkArn: true });
  console.log(JSON.stringify({ isValid, errors: isValid ? "" : errorsText("\n") }));
}
