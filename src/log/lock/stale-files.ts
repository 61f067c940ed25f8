/**
 * Removes what dead openers left behind: sockets, temporary lock files, links. Only the owner of
 * the lock calls this, before its log opens, so two never clean at once. A living opener's files
 * are never touched.
 *
 * The order matters. A refusing socket is the proof of its maker's death, and the other files of
 * that maker may appear until then: so first the proofs, then a new list, and the sockets last.
 */
import type { System } from '../../system/system.ts'
import { ioError } from '../io-errors.ts'
import { readLockFile, socketPath, unlinkIfThere } from './lock-file.ts'

const AFTER = /^LOCK-after-([0-9a-f]{32}|unreadable-[0-9a-f]{8})$/
const TEMPORARY = /^lock-([0-9a-f]{32})\.tmp$/
const NEWBORN = /^lock-([0-9a-f]{32})\.sock\.tmp$/
const SOCKET = /^lock-([0-9a-f]{32})\.sock$/

/** `followed`: the randoms of the dead in whose place the owner called `random` came. */
export async function removeStaleFiles(
  system: System,
  directory: string,
  random: string,
  followed: readonly string[],
): Promise<void> {
  const dead = new Set(followed)
  const sockets: string[] = []
  for (const [name, maker] of await listMatching(system, directory, SOCKET)) {
    const path = `${directory}/${name}`
    if (maker === random) continue
    if (!dead.has(maker) && !(await isRefused(system, path))) continue
    dead.add(maker)
    sockets.push(path)
  }
  const others = await listMatching(system, directory, AFTER, TEMPORARY, NEWBORN)
  for (const [name, id] of others) {
    if (id === random) continue
    const path = `${directory}/${name}`
    const isStale = NEWBORN.test(name)
      ? await isRefused(system, path)
      : await isMadeByDead(system, directory, path, TEMPORARY.test(name) ? id : undefined, dead)
    if (isStale) await unlinkIfThere(system, path)
  }
  for (const path of sockets) await unlinkIfThere(system, path)
}

/** Names of these patterns, each with the random or id that stands in it. */
async function listMatching(
  system: System,
  directory: string,
  ...patterns: readonly RegExp[]
): Promise<[name: string, id: string][]> {
  let names: string[]
  try {
    names = await system.files.list(directory)
  } catch (error) {
    throw ioError(`list ${directory}`, error)
  }
  return names.flatMap((name) => {
    const id = patterns.map((pattern) => pattern.exec(name)?.[1]).find((one) => one !== undefined)
    return id === undefined ? [] : [[name, id] as [string, string]]
  })
}

/** `maker`: the random in a temporary file's name; of a link only its content tells. */
async function isMadeByDead(
  system: System,
  directory: string,
  path: string,
  maker: string | undefined,
  dead: ReadonlySet<string>,
): Promise<boolean> {
  if (maker !== undefined && dead.has(maker)) return true
  const file = await readLockFile(system, path)
  if (file.kind === 'owner') {
    return dead.has(file.owner.random) || file.owner.bootId !== system.identity.bootId
  }
  if (file.kind === 'missing' || maker === undefined) return false
  // A power cut can leave half a temporary file and no socket. A living opener has its socket
  // before it makes this file, and removes this file first.
  return (await system.sockets.probe(socketPath(directory, maker))).state === 'missing'
}

async function isRefused(system: System, path: string): Promise<boolean> {
  return (await system.sockets.probe(path)).state === 'refused'
}
