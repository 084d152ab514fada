// node build.mjs           dist/ (modules and types) and the script file that the collector serves
// node build.mjs --script  the script file alone, to standard output
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const script = {
  entryPoints: [here('src/index.ts')],
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'journeytrace',
  target: 'es2022',
  banner: { js: '/* journeytrace, Apache-2.0 */' },
};

if (process.argv.includes('--script')) {
  process.stdout.write(buildSync({ ...script, write: false }).outputFiles[0].text);
} else {
  rmSync(here('dist'), { recursive: true, force: true });
  execFileSync(here('node_modules/.bin/tsc'), ['-p', here('tsconfig.build.json')], { stdio: 'inherit' });
  buildSync({ ...script, outfile: here('../../collector/journeytrace_collector/public/journeytrace.js') });
}
