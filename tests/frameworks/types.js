// Whether src/subject/assets/kelisim.d.ts says what a site's code needs, and no more: `node tests/frameworks/types.js` has
// TypeScript judge the uses in uses.ts, the wrong ones too. After tests/frameworks/build.js, which fetches it.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const packages = path.join(root, 'target/frameworks/packages/package.json');
const compiler = createRequire(packages).resolve('typescript/bin/tsc');
const files = ['src/subject/assets/kelisim.d.ts', 'tests/frameworks/uses.ts'].map((file) => path.join(root, file));
try {
  execFileSync(process.execPath, [compiler, '--noEmit', '--skipDefaultLibCheck', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', ...files], { stdio: 'inherit' });
} catch {
  process.exitCode = 1;
}
