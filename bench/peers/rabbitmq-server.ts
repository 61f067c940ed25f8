/**
 * Debian's rabbitmq-server as a plain child: its node, its cookie, its logs and its port mapper (epmd, which it
 * would else leave behind) stand in one directory and on the loopback interface, whoever the user is.
 */

import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Missing } from './contract.ts'
import { needProgram, type Server, somePort, startServer } from './servers.ts'

/** Debian's script of this name changes to its own user; the one that it calls does not. */
const SCRIPT_FOLDER = '/usr/lib/rabbitmq/bin'
const DEBIAN_PACKAGE = 'rabbitmq-server'
const NODE = 'qlogbench@localhost'
/** As rabbitmq.com/docs/runtime#busy-waiting has it for processors that are shared: here with everybody else. */
const NO_BUSY_WAIT = '+sbwt none +sbwtdcpu none +sbwtdio none'

export interface RabbitmqProgram {
  readonly script: string
  readonly epmd: string
  readonly version: string
}

export function needRabbitmq(): RabbitmqProgram {
  const epmd = needProgram('epmd', DEBIAN_PACKAGE)
  const script = join(SCRIPT_FOLDER, 'rabbitmq-server')
  if (!existsSync(script)) {
    throw new Missing(`${script} is not there: \`apt-get install ${DEBIAN_PACKAGE}\``)
  }
  // .../lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server: asking the program itself starts it.
  const version = /rabbitmq_server-([\d.]+)/.exec(realpathSync(script))?.[1] ?? 'of unknown version'
  return { script, epmd, version }
}

export async function startRabbitmq(
  { script, epmd }: RabbitmqProgram,
  directory: string,
): Promise<Server> {
  mkdirSync(directory, { recursive: true })
  const [port, nodePort, mapperPort] = [await somePort(), await somePort(), await somePort()]
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const mapperWords = ['-port', String(mapperPort), '-address', '127.0.0.1']
  const mapper = await startServer({
    program: epmd,
    args: mapperWords,
    port: mapperPort,
    directory,
  })
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: directory,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: NODE,
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(directory, 'generated'),
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf', `listeners.tcp.default = 127.0.0.1:${port}\n`),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins', '[].\n'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${NO_BUSY_WAIT}`,
    // The script becomes the node then, instead of waiting for it: its process id is that of the node.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  try {
    const node = await startServer({ program: script, args: [], port, directory, env })
    return {
      port,
      pid: node.pid,
      stop: async () => {
        try {
          await node.stop()
        } finally {
          await mapper.stop()
        }
      },
    }
  } catch (error) {
    await mapper.stop()
    throw error
  }
}
