/**
 * Runs a tool or benchmark that is written in TypeScript: `node tools/run.mjs tools/golden.ts ...`.
 * Node 20 cannot strip types, so everything is compiled into .build/ first (tsconfig.tools.json),
 * with the folders as they are in the repository. Tools find the repository as the working directory.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { compile, install, packageBuild, root, run, runMain, toolsBuild } from './bootstrap.mjs'

async function main() {
  const [source, ...toolArguments] = process.argv.slice(2)
  if (source === undefined || !source.endsWith('.ts')) {
    throw new Error('usage: node tools/run.mjs FILE.ts [ARGUMENT...]')
  }
  if (!existsSync(join(root, source))) throw new Error(`there is no ${source}`)
  await install()
  await compile(packageBuild)
  await compile(toolsBuild)
  const compiled = join(root, toolsBuild.output, source.replace(/\.ts$/, '.js'))
  return run(process.execPath, ['--enable-source-maps', compiled, ...toolArguments])
}

await runMain(main)
