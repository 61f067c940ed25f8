/** Addresses as words. */
import { describe, expect, test } from 'vitest'
import { addressText, parseAddress } from '../../../src/server/listen/address.ts'

describe('an address', () => {
  test.each([
    ['127.0.0.1:11300', { kind: 'tcp', host: '127.0.0.1', port: 11_300 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    [':22133', { kind: 'tcp', host: undefined, port: 22_133 }],
    ['[::1]:11300', { kind: 'tcp', host: '::1', port: 11_300 }],
    ['[fe80::1%eth0]:1', { kind: 'tcp', host: 'fe80::1%eth0', port: 1 }],
    ['unix:/run/qlog.sock', { kind: 'unix', path: '/run/qlog.sock' }],
    ['fd:3', { kind: 'inherited', descriptor: 3 }],
  ] as const)('%s is read, and written as it was', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
    expect(addressText(address)).toBe(text)
  })

  test.each([
    ['10.0.0.1', '10.0.0.1', 11_300],
    ['::1', '::1', 11_300],
    ['[::1]', '::1', 11_300],
    ['::', '::', 11_300],
    ['host:5', 'host', 5],
  ] as const)('%s takes the port from elsewhere where it names none', (text, host, port) => {
    expect(parseAddress(text, 11_300)).toEqual({ kind: 'tcp', host, port })
  })

  test.each([
    '',
    'host',
    'host:',
    'host:65536',
    'host:1x',
    '::1:5x',
    'unix:',
    'fd:',
    'fd:-1',
    'a b:5',
    `unix:/${'x'.repeat(110)}`,
  ])('"%s" is refused', (text) => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: 'QLOG_INVALID_ARGUMENT' }),
    )
  })
})
