/** Debian's redis-server with its append-only file in a directory, and connections to it by ioredis. */

import { mkdirSync } from 'node:fs'
import { needProgram, type Server, somePort, startServer, versionOfProgram } from './servers.ts'

export type AppendFsync = 'always' | 'everysec'

/** Where redis.conf explains what `always` and `everysec` promise, word by word. */
export const REDIS_SOURCE =
  "redis.conf of Debian's redis-server, appendfsync; redis.io/docs/latest/operate/oss_and_stack/management/persistence"

export interface RedisProgram {
  readonly program: string
  readonly version: string
}

export function needRedis(): RedisProgram {
  const program = needProgram('redis-server', 'redis-server')
  return { program, version: versionOfProgram(program, '--version') }
}

export function startRedis(
  { program }: RedisProgram,
  directory: string,
  appendfsync: AppendFsync,
): Promise<Server> {
  mkdirSync(directory, { recursive: true })
  return somePort().then((port) => {
    const settings = {
      bind: '127.0.0.1',
      port: String(port),
      dir: directory,
      daemonize: 'no',
      appendonly: 'yes',
      appendfsync,
      // Snapshots beside the append-only file would be written for nothing.
      save: '',
      'maxmemory-policy': 'noeviction',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    return startServer({ program, args, port, directory })
  })
}

/** What is asked of every connection: one that is lost is not made again, and what waits for it rejects. */
const LOADING_ASK_MS = 10

export function connectionOptions(port: number): Record<string, unknown> {
  // While a server reads its file, the client asks again so often, and not after the seconds that it guesses.
  return { host: '127.0.0.1', port, retryStrategy: () => null, maxLoadingRetryTime: LOADING_ASK_MS }
}
