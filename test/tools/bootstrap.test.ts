/**
 * Goal: a clone installs and compiles when it must and only then, and what it runs ends it.
 * Method: the real scripts in a temporary tree, with an npm and a compiler that only keep a diary.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '..', '..')

const fakeCompiler = `
const fs = require('node:fs')
fs.appendFileSync('diary', 'tsc\\n')
fs.mkdirSync('dist/cli', { recursive: true })
for (const name of fs.readdirSync('src')) {
  if (name.endsWith('.ts')) fs.writeFileSync('dist/' + name.replace('.ts', '.js'), '')
}
fs.mkdirSync('dist/native-free', { recursive: true })
for (const name of fs.readdirSync('native-free')) {
  fs.writeFileSync('dist/native-free/' + name.replace('.ts', '.js'), '')
}
fs.copyFileSync('src/cli/main.ts', 'dist/cli/main.js')
`

const fakeNpm = `
const fs = require('node:fs')
fs.appendFileSync('diary', process.argv.slice(2).join(' ') + '\\n')
if (fs.existsSync('npm-fails')) process.exit(9)
fs.rmSync('node_modules', { recursive: true, force: true })
fs.mkdirSync('node_modules/typescript/bin', { recursive: true })
fs.writeFileSync('node_modules/typescript/package.json', '{"type":"commonjs"}')
fs.writeFileSync('node_modules/typescript/bin/tsc', ${JSON.stringify(fakeCompiler)})
`

const npmCi = 'ci --no-audit --no-fund --include=dev'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'qlog-bootstrap-'))
  cpSync(join(repository, 'tools'), join(root, 'tools'), { recursive: true })
  write('package.json', '{"type":"module"}')
  write('package-lock.json', '{}')
  write('tsconfig.json', '{}')
  write('tsconfig.build.json', '{}')
  write('src/index.ts', '')
  write('src/cli/main.ts', '')
  write('native-free/index.ts', '')
  write('npm/package.json', '{"type":"commonjs"}')
  write('npm/npm-cli.js', fakeNpm)
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

function start(script: string, scriptArguments: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(root, 'tools', script), ...scriptArguments], {
    cwd: root,
    env: { ...process.env, npm_execpath: join(root, 'npm', 'npm-cli.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = await once(child, 'exit')
  return code
}

/** Runs the bootstrap with a program that ends with `code`. */
function bootstrap(code = 0): Promise<unknown> {
  const program = `require('node:fs').appendFileSync('diary', 'program\\n'); process.exit(${code})`
  return exitCode(start('bootstrap.mjs', [process.execPath, '-e', program]))
}

/** What was done since the last look. */
function diary(): string[] {
  const path = join(root, 'diary')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
  rmSync(path, { force: true })
  return lines
}

test('the first run installs, compiles and runs, the second only runs', async () => {
  expect(await bootstrap()).toBe(0)
  expect(diary()).toEqual([npmCi, 'tsc', 'program'])
  expect(await bootstrap()).toBe(0)
  expect(diary()).toEqual(['program'])
})

test('a changed source compiles again without an installation', async () => {
  await bootstrap()
  diary()
  write('src/index.ts', 'export {}')
  await bootstrap()
  expect(diary()).toEqual(['tsc', 'program'])
})

test('a deleted source takes its output along', async () => {
  write('src/gone.ts', '')
  write('native-free/gone.ts', '')
  await bootstrap()
  expect(existsSync(join(root, 'dist', 'gone.js'))).toBe(true)
  expect(existsSync(join(root, 'dist', 'native-free', 'gone.js'))).toBe(true)
  rmSync(join(root, 'src', 'gone.ts'))
  rmSync(join(root, 'native-free', 'gone.ts'))
  await bootstrap()
  expect(existsSync(join(root, 'dist', 'gone.js'))).toBe(false)
  expect(existsSync(join(root, 'dist', 'native-free', 'gone.js'))).toBe(false)
  expect(existsSync(join(root, 'dist', 'index.js'))).toBe(true)
  expect(existsSync(join(root, 'dist', 'native-free', 'index.js'))).toBe(true)
})

test('a lost dist/ is compiled again', async () => {
  await bootstrap()
  diary()
  rmSync(join(root, 'dist'), { recursive: true })
  await bootstrap()
  expect(diary()).toEqual(['tsc', 'program'])
})

test('a changed lock file installs and compiles again', async () => {
  await bootstrap()
  diary()
  write('package-lock.json', '{"lockfileVersion":3}')
  await bootstrap()
  expect(diary()).toEqual([npmCi, 'tsc', 'program'])
})

test('a failed installation runs nothing and is tried again', async () => {
  write('npm-fails', '')
  expect(await bootstrap()).toBe(1)
  expect(diary()).toEqual([npmCi])
  rmSync(join(root, 'npm-fails'))
  expect(await bootstrap()).toBe(0)
  expect(diary()).toEqual([npmCi, 'tsc', 'program'])
})

test('the exit code is that of the program', async () => {
  expect(await bootstrap(7)).toBe(7)
})

test('npm start proves in a fresh directory, forwards the code and tidies up', async () => {
  write(
    'src/cli/main.ts',
    `import fs from 'node:fs'
     const [verb, directory, ...rest] = process.argv.slice(2)
     fs.writeFileSync(directory + '/data', '')
     fs.appendFileSync('diary', [verb, fs.readdirSync(directory), ...rest].join(' ') + '\\n')
     process.exit(3)`,
  )
  expect(await exitCode(start('start.mjs', ['--seconds', '5']))).toBe(3)
  expect(diary()).toEqual([npmCi, 'tsc', 'prove data --seconds 5'])
  expect(existsSync(join(root, '.qlog-prove'))).toBe(false)
})

test('npm start hands a SIGTERM on and tidies up', async () => {
  write(
    'src/cli/main.ts',
    `process.on('SIGTERM', () => process.exit(21))
     process.stdout.write('ready')
     setInterval(() => {}, 1000)`,
  )
  const child = start('start.mjs', [])
  if (child.stdout === null) throw new Error('stdout is a pipe')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await exitCode(child)).toBe(21)
  expect(existsSync(join(root, '.qlog-prove'))).toBe(false)
})

test('npm start shows the store behind a proof that went well, unless one answer is wanted', async () => {
  write(
    'src/cli/main.ts',
    `const fs = require('node:fs')
     fs.appendFileSync('diary', 'prove\\n')
     fs.rmdirSync(process.argv[3])`,
  )
  write('dist/package.json', '{"type":"commonjs"}')
  write(
    'docs/examples/01-store.mjs',
    `import { appendFileSync, writeFileSync } from 'node:fs'
     writeFileSync(process.argv[2] + '/left', '')
     appendFileSync('diary', 'store\\n')
     process.exit(5)`,
  )
  expect(await exitCode(start('start.mjs', []))).toBe(5)
  expect(diary()).toEqual([npmCi, 'tsc', 'prove', 'store'])
  expect(await exitCode(start('start.mjs', ['--json']))).toBe(0)
  expect(diary()).toEqual(['prove'])
  expect(existsSync(join(root, '.qlog-prove'))).toBe(false)
})
