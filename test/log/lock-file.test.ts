import { describe, expect, test } from 'vitest'
import {
  encodeLockFile,
  LOCK_FILE_BYTES_MAX,
  type LockOwner,
  parseLockFile,
} from '../../src/log/lock/lock-file.ts'

const owner: LockOwner = {
  random: '0123456789abcdef0123456789abcdef',
  epoch: 7,
  pid: 4242,
  host: 'quay-1',
  bootId: 'fedcba9876543210fedcba9876543210',
  sinceMs: 1_700_000_000_000,
  state: 'held',
}
const text = new TextDecoder().decode(encodeLockFile(owner))
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content)

describe('the content of LOCK', () => {
  test('is one line of JSON that names owner, epoch and socket', () => {
    expect(text).toBe(
      '{"qlog":"lock","version":1,"random":"0123456789abcdef0123456789abcdef","epoch":7,' +
        '"pid":4242,"host":"quay-1","bootId":"fedcba9876543210fedcba9876543210",' +
        '"sinceMs":1700000000000,"socket":"lock-0123456789abcdef0123456789abcdef.sock",' +
        '"state":"held"}\n',
    )
  })

  test('parses back, also when released and with odd host names', () => {
    for (const host of ['', 'näme "quoted"', '\u0000\n', 'h'.repeat(255)]) {
      const odd: LockOwner = { ...owner, host, state: 'released' }
      expect(parseLockFile(encodeLockFile(odd))).toEqual({ owner: odd })
    }
  })

  test('stays within its bound for the longest host name', () => {
    const long: LockOwner = { ...owner, host: '\u0001'.repeat(5000) }
    expect(encodeLockFile(long).byteLength).toBeLessThan(2000)
  })

  test('every prefix of it is refused', () => {
    const bytes = encodeLockFile(owner)
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect(parseLockFile(bytes.subarray(0, length)).owner).toBeUndefined()
    }
  })

  test.each([
    ['a space more', text.replace(',', ', ')],
    ['a line more', `${text}\n`],
    ['no final line end', text.trimEnd()],
    ['another version', text.replace('"version":1', '"version":2')],
    ['an upper-case random', text.replaceAll('abcdef', 'ABCDEF')],
    ['a path in the random', text.replaceAll('0123456789abcdef01', '../../../../../../')],
    ['a socket of another random', text.replace('lock-0123', 'lock-3210')],
    ['epoch 0', text.replace('"epoch":7', '"epoch":0')],
    ['a fractional epoch', text.replace('"epoch":7', '"epoch":7.5')],
    ['an epoch beyond the safe integers', text.replace('"epoch":7', '"epoch":9007199254740992')],
    ['a time no date can name', text.replace('1700000000000', '8640000000000001')],
    ['an unknown state', text.replace('"held"', '"lost"')],
    ['a field more', text.replace('"state"', '"more":1,"state"')],
    ['a field twice', text.replace('"state"', '"pid":1,"state"')],
    ['null', 'null\n'],
    ['a list', '[]\n'],
    ['a number', '1\n'],
  ])('refuses %s', (_name, changed) => {
    expect(changed).not.toBe(text)
    expect(parseLockFile(bytesOf(changed)).owner).toBeUndefined()
  })

  test('refuses bytes that are not UTF-8, and files over the limit unread', () => {
    const broken = encodeLockFile(owner)
    broken[50] = 0xff
    expect(parseLockFile(broken).owner).toBeUndefined()
    const long = parseLockFile(new Uint8Array(LOCK_FILE_BYTES_MAX + 1))
    expect(long).toEqual({ owner: undefined, why: 'it has more than 4096 bytes' })
  })
})
