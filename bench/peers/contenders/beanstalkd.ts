/**
 * Debian's beanstalkd with its log: flushed at every write (-f0), and by its default (-f50), where a write
 * flushes if the last flush is 50 ms ago. No clock does it: what is written behind the last flush stays
 * unflushed until something else is written, seconds later too (seen with strace).
 *
 * Killed by SIGKILL behind 500 answered puts, both had all of them; behind 500 answered takes of 1,000, neither
 * gave one of these again. By strace -f0 flushes for each put and for each delete.
 */
import { mkdirSync } from 'node:fs'
import { openBeanstalkdClient, RAW_SOCKET } from '../beanstalkd-client.ts'
import type { Contender, Durability, Opened } from '../contract.ts'
import { needProgram, openOn, somePort, startServer, versionOfProgram } from '../servers.ts'

/** Its default, 65,535, is one byte less than a body of 64 KiB. */
const JOB_BYTES_MAX = 1024 * 1024

export const BEANSTALKD_F0 = beanstalkd('beanstalkd-f0', 'flushed', ['-f0'], RAW_SOCKET)
/** Of the last messages nothing more is promised than what the kernel does: "at most once every ms" is no clock. */
export const BEANSTALKD = beanstalkd(
  'beanstalkd',
  'kernel',
  [],
  `Its default, -f50, flushes with a write where the last flush is 50 ms ago: what is written last waits for the next write, or for the kernel. ${RAW_SOCKET}`,
)

function beanstalkd(
  id: string,
  durability: Durability,
  flags: readonly string[],
  notes: string,
): Contender {
  return {
    id,
    name: 'beanstalkd',
    durability,
    settings: ['-b DIR', ...flags, `-z ${JOB_BYTES_MAX}`].join(' '),
    notes,
    // "A power failure could result in the loss of up to ms milliseconds of history. A ms value of 0
    // will cause beanstalkd to call fsync every time it writes to the binlog."
    source: 'man beanstalkd, options -f and -b',
    kind: 'server',
    shape: 'queue',
    load: async () => {
      const program = needProgram('beanstalkd', 'beanstalkd')
      return {
        version: versionOfProgram(program, '-v'),
        open: (directory) => openBeanstalkd(program, directory, flags),
      }
    },
  }
}

async function openBeanstalkd(
  program: string,
  directory: string,
  flags: readonly string[],
): Promise<Opened> {
  mkdirSync(directory, { recursive: true })
  const port = await somePort()
  const words = ['-l', '127.0.0.1', '-p', String(port), '-z', String(JOB_BYTES_MAX)]
  const args = [...words, '-b', directory, ...flags]
  return openOn(await startServer({ program, args, port, directory }), openBeanstalkdClient)
}
