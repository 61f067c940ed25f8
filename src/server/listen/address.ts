/** Addresses to listen at, as words and as what the platform wants. Pure. */
import { QlogTypeError } from '../../errors.ts'

/** Room for a path in `sun_path` without its final zero; the kernel cuts longer ones without a word. */
export const UNIX_PATH_BYTES_MAX = 103

const PORT_MAX = 65_535

export type Address =
  | {
      readonly kind: 'tcp' /** Undefined: every interface. */
      readonly host: string | undefined
      readonly port: number
    }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'inherited'; readonly descriptor: number }

/**
 * Reads `HOST:PORT`, `:PORT`, `[::1]:PORT`, `unix:PATH`, `fd:NUMBER`; a host alone where `defaultPort` is
 * given. Throws QlogTypeError (QLOG_INVALID_ARGUMENT).
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  if (text.startsWith('unix:')) return { kind: 'unix', path: checkPath(text.slice('unix:'.length)) }
  if (text.startsWith('fd:')) {
    return { kind: 'inherited', descriptor: number(text, text.slice('fd:'.length), 0x7fff_ffff) }
  }
  const found = /^(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^\s:[\]]*))(?::(\d+))?$/.exec(text)
  // Six colons and no brackets are an address of IPv6 by itself.
  const bare = found === null && defaultPort !== undefined && /^[0-9A-Fa-f:.]+$/.test(text)
  const host = found?.[1] ?? found?.[2] ?? text
  const portWord = found?.[3]
  if (
    (found === null && !bare) ||
    (portWord === undefined && (defaultPort === undefined || host === ''))
  ) {
    throw new QlogTypeError(
      `"${text}" is no address: HOST:PORT, :PORT, [::1]:PORT, unix:PATH or fd:NUMBER`,
    )
  }
  const port = portWord === undefined ? (defaultPort ?? 0) : number(text, portWord, PORT_MAX)
  return { kind: 'tcp', host: host === '' || host === '*' ? undefined : host, port }
}

/** The address as {@link parseAddress} reads it. */
export function addressText(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  if (address.kind === 'inherited') return `fd:${address.descriptor}`
  const { host = '', port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function checkPath(path: string): string {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
    throw new QlogTypeError(
      `the path of a socket has 1 to ${UNIX_PATH_BYTES_MAX} bytes, not ${Buffer.byteLength(path)}: "${path}"`,
    )
  }
  return path
}

function number(text: string, word: string, max: number): number {
  const value = /^\d{1,10}$/.test(word) ? Number(word) : -1
  if (value < 0 || value > max) {
    throw new QlogTypeError(`"${text}": ${word} must be a whole number from 0 to ${max}`)
  }
  return value
}
