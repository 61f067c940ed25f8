/**
 * The servers that are measured: `qlog serve`, Debian's beanstalkd with -f0 (each put flushed, as ours) and
 * without a log. Where beanstalkd is not installed ours stands alone, and it says so.
 */

import { mkdirSync } from 'node:fs'
import type { Place } from '../../src/measure/place.ts'
import { beanstalkdVersion, ServerProcess } from '../../tools/beanstalkd/server-process.ts'

export type PeerName = 'qlog' | 'beanstalkd -f0' | 'beanstalkd without a log'

export function peerNames(): readonly PeerName[] {
  const isThere = beanstalkdVersion() !== undefined
  return isThere ? ['qlog', 'beanstalkd -f0', 'beanstalkd without a log'] : ['qlog']
}

/** What a result says of them; undefined, and aloud, where beanstalkd is not there. */
export function describeServers(): string | undefined {
  const version = beanstalkdVersion()
  if (version === undefined) {
    process.stderr.write('bench: beanstalkd is not installed: left out, and every ratio to it\n')
    return undefined
  }
  return `${version}, with -f0 and without a log`
}

export async function startPeer(name: PeerName, place: Place): Promise<ServerProcess> {
  if (name === 'beanstalkd without a log') return await ServerProcess.start({ kind: 'beanstalkd' })
  const directory = place.nextLog()
  mkdirSync(directory)
  return name === 'qlog'
    ? await ServerProcess.start({ kind: 'qlog', directory })
    : await ServerProcess.start({ kind: 'beanstalkd', directory, flags: ['-f0'] })
}

/** Servers that are gone when `use` is over, and a fresh place on the disk for each. */
export async function withPeers<T>(
  names: readonly PeerName[],
  place: Place,
  use: (servers: ReadonlyMap<PeerName, ServerProcess>) => Promise<T>,
): Promise<T> {
  const servers = new Map<PeerName, ServerProcess>()
  try {
    for (const name of names) servers.set(name, await startPeer(name, place))
    return await use(servers)
  } finally {
    for (const server of servers.values()) await server.kill()
  }
}
