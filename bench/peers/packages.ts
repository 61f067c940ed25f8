/**
 * Packages of contenders. None is a dependency of qlog: they stand in `bench/peers/node_modules/`, where
 * `bench/peers/install.mjs` puts them, and are looked for below the working directory, since what runs is
 * compiled into another folder. Only reads.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Missing } from './contract.ts'

const FOLDER = 'bench/peers'
const INSTALLER = `node ${FOLDER}/install.mjs`

export interface Peer {
  /** What `require` gives; the contender says of which shape it is. */
  readonly exports: unknown
  readonly version: string
}

/** Loads a package of a contender. Rejects with `Missing` where that cannot be done, whatever the cause. */
export async function requirePeer(name: string): Promise<Peer> {
  const folder = join(process.cwd(), FOLDER)
  try {
    // Not through `require`: some packages do not give this file out.
    const described = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
    const { version } = JSON.parse(described)
    return { exports: createRequire(join(folder, 'package.json'))(name), version: String(version) }
  } catch (error) {
    throw missing(name, error)
  }
}

/** Says that a package is not here, or that it does not load, and what to do. */
export function missing(name: string, error: unknown): Missing {
  if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') {
    return new Missing(`${name} is not installed: run \`${INSTALLER}\``)
  }
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
  return new Missing(`${name} cannot be loaded: ${reason}; install it anew: \`${INSTALLER}\``)
}
