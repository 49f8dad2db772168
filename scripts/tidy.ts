/** `npm run tidy`: the layers, purity bans, sizes, names and dead files of the house style, by `scripts/tidy/`. */
import { checkRepository } from "./tidy/check-repository.ts";

const findings = checkRepository();
for (const finding of findings) console.error(finding);
console.log(findings.length === 0 ? "tidy: nothing to mend" : `tidy: ${findings.length} to mend`);
process.exitCode = findings.length === 0 ? 0 : 1;
