// node build.mjs           dist/: modules and types
// node build.mjs --script  the script file that the collector serves, to standard output
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (process.argv.includes('--script')) {
  const built = buildSync({
    entryPoints: [here('src/index.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'journeytrace',
    target: 'es2022',
    banner: { js: '/* journeytrace, Apache-2.0 */' },
    write: false,
  });
  process.stdout.write(built.outputFiles[0].text);
} else {
  rmSync(here('dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [here('node_modules/typescript/bin/tsc'), '-p', here('tsconfig.build.json')], {
    stdio: 'inherit',
  });
}
