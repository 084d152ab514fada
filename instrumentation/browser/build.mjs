// node build.mjs           dist/: modules and types
// node build.mjs --script  the script file that the collector serves, to standard output
// node build.mjs --form    the script of examples/form, likewise
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const bundle = (options) => {
  const built = buildSync({ bundle: true, minify: true, target: 'es2022', write: false, ...options });
  process.stdout.write(built.outputFiles[0].text);
};

if (process.argv.includes('--script')) {
  bundle({
    entryPoints: [here('src/index.ts')],
    format: 'iife',
    globalName: 'journeytrace',
    // Compiled whole while it comes in, beside the page's own work: started, it runs at once (bench/run.mjs).
    banner: { js: '//# allFunctionsCalledOnLoad\n/* journeytrace, Apache-2.0 */' },
  });
} else if (process.argv.includes('--form')) {
  bundle({
    entryPoints: [here('../../examples/form/form.ts')],
    format: 'esm',
    // As the package is called for who has installed it.
    alias: { 'journeytrace/invitation': here('src/invitation.ts'), journeytrace: here('src/index.ts') },
  });
} else {
  rmSync(here('dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [here('node_modules/typescript/bin/tsc'), '-p', here('tsconfig.build.json')], {
    stdio: 'inherit',
  });
}
