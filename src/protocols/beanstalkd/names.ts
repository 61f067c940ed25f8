/** Names of tubes: which bytes they may have. Pure. */
import { NAME_BYTES_MAX } from './limits.ts'

/** The tube that every connection begins with. */
export const TUBE_DEFAULT = 'default'

const ALLOWED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()'
const MINUS = 0x2d

const isAllowed = new Uint8Array(256)
for (let i = 0; i < ALLOWED.length; i++) isAllowed[ALLOWED.charCodeAt(i)] = 1

export function isTubeNameByte(byte: number): boolean {
  return isAllowed[byte] === 1
}

/** These bytes as a name; undefined where they are none. */
export function tubeNameOf(bytes: Uint8Array, first: number, end: number): string | undefined {
  const length = end - first
  if (length < 1 || length > NAME_BYTES_MAX || bytes[first] === MINUS) return undefined
  let name = ''
  for (let at = first; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (isAllowed[byte] !== 1) return undefined
    name += String.fromCharCode(byte)
  }
  return name
}

/** A queue whose name no tube can have belongs to others, and is not shown. */
export function isTubeName(name: string): boolean {
  if (name.length < 1 || name.length > NAME_BYTES_MAX || name.startsWith('-')) return false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code > 255 || isAllowed[code] !== 1) return false
  }
  return true
}
