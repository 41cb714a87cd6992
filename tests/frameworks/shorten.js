// Shortens what runs in browsers: `node tests/frameworks/shorten.js` writes src/guard/assets/min/, which is what is
// compiled in; with `--check` it only says whether that is what the sources give. After tests/frameworks/build.js, which
// fetches esbuild. The names that the files share stay: each is shortened by itself.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const packages = path.join(root, 'target/frameworks/packages/package.json');
const { transformSync } = createRequire(packages)('esbuild');
const folder = path.join(root, 'src/guard/assets');

let stale = 0;
for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.js'))) {
  const source = fs.readFileSync(path.join(folder, name), 'utf8');
  const { code } = transformSync(source, { minify: true, charset: 'ascii', target: 'es2022' });
  const target = path.join(folder, 'min', name);
  const is = fs.existsSync(target) ? fs.readFileSync(target, 'utf8') : '';
  if (is === code) continue;
  stale += 1;
  if (process.argv.includes('--check')) console.error(`${path.relative(root, target)} is not what its source gives: run node tests/frameworks/shorten.js`);
  else fs.writeFileSync(target, code);
}
process.exitCode = process.argv.includes('--check') && stale > 0 ? 1 : 0;
