// Fetches the stylesheets for tests/looks.rs: `node tests/styles/build.js`.
//
// What is fetched stands in target/styles/. It is fetched again only when the lock file changes.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = path.dirname(fileURLToPath(import.meta.url));
const target = path.resolve(sources, '../../target/styles');
const lock = fs.readFileSync(path.join(sources, 'package-lock.json'), 'utf8');
const stamp = path.join(target, 'locked');
if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== lock) {
  fs.mkdirSync(target, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) fs.copyFileSync(path.join(sources, name), path.join(target, name));
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: target, stdio: ['ignore', 'inherit', 'inherit'] });
  fs.writeFileSync(stamp, lock);
}
