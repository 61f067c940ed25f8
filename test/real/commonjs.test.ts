/**
 * The package as its users have it: packed, installed, and loaded by CommonJS and by a module; and no
 * process is kept alive by a log, closed or idle.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { portableCrc32 } from '../../src/system/real/crc.ts'
import { root, run } from './children.ts'
import { freshDirectory } from './support.ts'

const SCRIPT = `
async function main({ openLog, openReader, QlogError, ERROR_CODES }) {
  const directory = process.argv[2]
  const log = await openLog(directory)
  const id = await log.append('hello')
  if (process.argv[3] === 'idle') {
    console.log('idle')
    return
  }
  await log.close()
  const reader = await openReader(directory)
  for await (const message of reader.read()) {
    console.log(message.id === id, Buffer.from(message.body).toString())
  }
  await reader.close()
  console.log(typeof QlogError, 'QLOG_LOCKED' in ERROR_CODES)
}
`

let project = ''

beforeAll(() => {
  // Not by freshDirectory: it must live as long as all tests here.
  project = fs.mkdtempSync(path.join(fs.realpathSync(freshDirectory()), '..', 'qlog-package-'))
  const packed = spawnSync(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', project],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  const archive = path.join(project, packed.stdout.trim().split('\n').at(-1) ?? '')
  const installed = path.join(project, 'node_modules/qlog')
  fs.mkdirSync(installed, { recursive: true })
  spawnSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1'])
  for (const name of ['commander', 'crc-32']) {
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name))
  }
  fs.writeFileSync(path.join(project, 'user.cjs'), `${SCRIPT}\nmain(require('qlog'))\n`)
  fs.writeFileSync(
    path.join(project, 'user.mjs'),
    `import * as qlog from 'qlog'\n${SCRIPT}\nawait main(qlog)\n`,
  )
  return () => fs.rmSync(project, { recursive: true, force: true })
})

test.each([
  ['codecs.cjs', "const { compressBlock, decompressBlock, crc32 } = require('qlog/native-free')"],
  ['codecs.mjs', "import { compressBlock, decompressBlock, crc32 } from 'qlog/native-free'"],
])('qlog/native-free by itself in %s', async (name, load) => {
  const input = "Buffer.alloc(1000, 'native')"
  const text = `decompressBlock(compressBlock(${input}), 1000)`
  const script = `${load}\nconsole.log(Buffer.from(${text}).equals(${input}), crc32(${input}))\n`
  fs.writeFileSync(path.join(project, name), script)
  const { code, stdout } = await run(process.execPath, [path.join(project, name)])
  expect(stdout).toBe(`true ${portableCrc32(Buffer.alloc(1000, 'native'), 0)}\n`)
  expect(code).toBe(0)
})

describe.each(['user.cjs', 'user.mjs'])('%s', (name) => {
  test('works with the packed package, and ends by itself', async () => {
    const { code, stdout } = await run(process.execPath, [
      path.join(project, name),
      freshDirectory(),
    ])
    expect(stdout).toBe('true hello\nfunction true\n')
    expect(code).toBe(0)
  })

  test('ends by itself with an open, idle log, whose appends are kept', async () => {
    const directory = freshDirectory()
    const script = path.join(project, name)
    const { code, stdout } = await run(process.execPath, [script, directory, 'idle'])
    expect(stdout).toBe('idle\n')
    expect(code).toBe(0)
    const again = await run(process.execPath, [path.join(project, 'user.mjs'), directory])
    expect(again.stdout).toBe('false hello\ntrue hello\nfunction true\n')
  })
})
