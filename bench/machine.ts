/** What figures depend on. Names neither the host nor a path. */

import * as fs from 'node:fs'
import * as os from 'node:os'
import { factsOfFileSystem } from '../src/inspect/file-systems.ts'
import { rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { commitOf } from '../tools/commit.ts'

export function machineFacts(): Record<string, unknown> {
  const cpus = os.cpus()
  const commit = commitOf(process.cwd())
  return {
    ...(commit !== undefined && { commit }),
    machine: `${cpus.length} x ${cpus[0]?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    load: os.loadavg().map(rounded),
    date: new Date().toISOString(),
  }
}

export function diskFacts(place: Place): Record<string, unknown> {
  return { fileSystem: factsOfFileSystem(fs.statfsSync(place.path).type).name }
}
