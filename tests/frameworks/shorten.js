// Shortens what runs in browsers: `node tests/frameworks/shorten.js` writes `min/` beside the sources, which is what is
// compiled in; with `--check` it only says whether that is what the sources give. After tests/frameworks/build.js, which
// fetches esbuild. The names that the guard's files share stay: each is shortened by itself.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const packages = path.join(root, 'target/frameworks/packages/package.json');
const { transformSync } = createRequire(packages)('esbuild');
const folders = { 'src/guard/assets': /\.js$/, 'src/banner/assets': /^(banner\.js|control\..*)$/ };

let stale = 0;
for (const [folder, shortened] of Object.entries(folders))
  for (const name of fs.readdirSync(path.join(root, folder)).filter((name) => shortened.test(name))) {
    const source = fs.readFileSync(path.join(root, folder, name), 'utf8');
    const { code } = transformSync(source, { loader: path.extname(name).slice(1), minify: true, charset: 'ascii', target: 'es2022' });
    const target = path.join(root, folder, 'min', name);
    const is = fs.existsSync(target) ? fs.readFileSync(target, 'utf8') : '';
    if (is === code) continue;
    stale += 1;
    if (process.argv.includes('--check')) console.error(`${path.relative(root, target)} is not what its source gives: run node tests/frameworks/shorten.js`);
    else fs.writeFileSync(target, code);
  }
process.exitCode = process.argv.includes('--check') && stale > 0 ? 1 : 0;
