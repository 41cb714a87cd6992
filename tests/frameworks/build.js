// Builds the sites of tests/frameworks.rs: `node tests/frameworks/build.js`.
//
// All that is fetched and made stands in target/frameworks/: `packages/` is a copy of this folder with its packages,
// `react/`, `vue/` and `next/` are the sites, as files. What has not changed is not made again.
// The page `inserted` of each has tags that the framework makes anew from its state.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Next.js needs a newer Node.js than Debian 12 has: then the one from npm does the rest.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  const built = `node-${process.platform}-${process.arch}`;
  const folder = fileURLToPath(new URL('../../target/frameworks/node', import.meta.url));
  const node = path.join(folder, 'node_modules', built, 'bin/node');
  const own = { stdio: ['ignore', 'inherit', 'inherit'] };
  if (!fs.existsSync(node)) {
    console.log(`${process.version} is too old for Next.js: fetching ${built}@22.23.3`);
    fs.mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${built}@22.23.3`], own);
  }
  execFileSync(node, [fileURLToPath(import.meta.url)], own);
  process.exit(0);
}

const sources = import.meta.dirname;
const target = path.resolve(sources, '../../target/frameworks');
const work = path.join(target, 'packages');
const stamp = path.join(target, 'built');

function digest() {
  const hash = createHash('sha256');
  const files = fs.readdirSync(sources, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).sort())
    hash.update(path.relative(sources, file)).update('\0').update(fs.readFileSync(file)).update('\0');
  return hash.update(process.version).digest('hex');
}

function run(command, folder, ...parameters) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', CI: '1' };
  execFileSync(command, parameters, { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

const wanted = digest();
if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) {
  // The test compares times; a checkout makes the same sources newer.
  fs.utimesSync(stamp, new Date(), new Date());
  process.exit(0);
}
fs.rmSync(stamp, { force: true });
// Packages stay while the lock file does.
const lock = (folder) => fs.readFileSync(path.join(folder, 'package-lock.json'), 'utf8');
const locked = path.join(work, 'node_modules', '.locked');
const installed = fs.existsSync(locked) && fs.readFileSync(locked, 'utf8') === lock(sources);
fs.mkdirSync(work, { recursive: true });
for (const old of fs.readdirSync(work)) if (old !== 'node_modules') fs.rmSync(path.join(work, old), { recursive: true });
fs.cpSync(sources, work, { recursive: true, filter: (from) => path.basename(from) !== 'node_modules' });
if (!installed) {
  run('npm', work, 'ci', '--no-audit', '--no-fund', '--ignore-scripts');
  fs.writeFileSync(locked, lock(work));
}

const require = createRequire(path.join(work, 'package.json'));
const { METRICA_PIXEL } = await import(pathToFileURL(path.join(work, 'tags.js')));
const esbuild = require('esbuild');
const sfc = require('vue/compiler-sfc');

// Compiles Vue's single-file components, for the server or for browsers.
function components(ssr, isProd) {
  return {
    name: 'vue',
    setup: (build) => build.onLoad({ filter: /\.vue$/ }, ({ path: filename }) => {
      const { descriptor, errors } = sfc.parse(fs.readFileSync(filename, 'utf8'), { filename });
      if (errors.length) throw errors[0];
      const templateOptions = { ssr, ssrCssVars: [] };
      const { content } = sfc.compileScript(descriptor, { id: 'app', isProd, inlineTemplate: true, templateOptions });
      return { contents: content, loader: 'js' };
    }),
  };
}

async function bundle(entry, mode, forServer, outfile) {
  await esbuild.build({
    absWorkingDir: work,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: forServer ? 'cjs' : 'esm',
    platform: forServer ? 'node' : 'browser',
    minify: mode === 'production',
    jsx: 'automatic',
    define: {
      'process.env.NODE_ENV': JSON.stringify(mode),
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    plugins: [components(forServer, mode === 'production')],
    logLevel: 'warning',
  });
}

for (const [name, ending] of [['react', 'jsx'], ['vue', 'js']]) {
  const site = path.join(target, name);
  fs.rmSync(site, { recursive: true, force: true });
  for (const mode of ['production', 'development']) {
    const server = path.join(work, `${name}-${mode}.cjs`);
    await bundle(`${name}/server.${ending}`, mode, true, server);
    await bundle(`${name}/client.${ending}`, mode, false, path.join(site, `${mode}.js`));
    const { html } = (await import(pathToFileURL(server))).default;
    fs.writeFileSync(path.join(site, `${mode}.html`), await html(`${mode}.js`, { inserts: false }));
    if (mode === 'production')
      fs.writeFileSync(path.join(site, 'inserted.html'), await html(`${mode}.js`, { inserts: true }));
  }
}

// These render in the browser alone: the server sends the page around them.
const { page } = await import(pathToFileURL(path.join(work, 'shell.js')));
for (const name of ['angular', 'jquery']) {
  const site = path.join(target, name);
  fs.rmSync(site, { recursive: true, force: true });
  await bundle(`${name}/client.js`, 'production', false, path.join(site, 'production.js'));
  const state = { title: 'Tea & porcelain', pixel: METRICA_PIXEL };
  const root = name === 'angular' ? '<app-shop></app-shop>' : '';
  fs.writeFileSync(path.join(site, 'production.html'), page('production.js', root, state));
}

run(process.execPath, path.join(work, 'next'), path.join(work, 'node_modules/next/dist/bin/next'), 'build');
fs.rmSync(path.join(target, 'next'), { recursive: true, force: true });
fs.cpSync(path.join(work, 'next/out'), path.join(target, 'next'), { recursive: true });
fs.writeFileSync(stamp, wanted);
