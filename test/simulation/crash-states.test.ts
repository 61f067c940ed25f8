/**
 * The states that a power cut may leave, worked off one by one; the lab does so for every trace. First that
 * the list is what it says, on a disk with a few changes.
 */
import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { powerlessDisks } from './crash-states.ts'
import { Exhaustive } from './exhaustive.ts'
import { TRACES } from './traces.ts'

const SECTOR = 512

function sectorsOf(...marks: readonly string[]): Uint8Array {
  return Buffer.from(marks.map((mark) => mark.repeat(SECTOR)).join(''))
}

/** What each file holds, a letter for a sector; `-` for zeros. */
function textOf(disk: SimulatedDisk): string {
  const files = [...disk.tree()].map(([path, bytes]) => {
    const marks = Buffer.from(bytes).toString('latin1')
    return `${path}=${[...marks].filter((_, at) => at % SECTOR === 0).join('')}`
  })
  return files.join(' ').replaceAll('\0', '-')
}

test('prefixes, one left out, split at each sector, names apart from data', () => {
  const disk = new SimulatedDisk()
  disk.putFile('/a', sectorsOf('o', 'o', 'o'))
  const write = (path: string, marks: readonly string[], position: number): void => {
    const inode = disk.get(path, 'open')
    disk.changeContent(inode, (serial) => {
      inode.content.write(sectorsOf(...marks), position, serial)
    })
  }
  write('/a', ['n', 'n', 'n'], 0)
  disk.rename('/a', '/b')
  write('/b', ['m'], 3 * SECTOR)
  const states = [...powerlessDisks(disk)].map((state) => textOf(state.disk))
  expect(states.sort()).toEqual(
    [
      // Prefixes of the three changes.
      ...['/a=ooo', '/a=nnn', '/b=nnn', '/b=nnnm'],
      // One of them left out.
      ...['/b=ooom', '/a=nnnm'],
      // The first one split, alone and with the others behind it.
      ...['/a=noo', '/a=nno', '/a=onn', '/a=oon', '/b=noom', '/b=nnom'],
      // All data and no name is a state from above; so is all names and no data, but for this one.
      ...['/b=ooo', '/b=ooo-'],
    ].sort(),
  )
})

describe.each(['append', 'roll into a segment made ahead', 'recovery with copies', 'close'])(
  '%s',
  (name) => {
    test('every second call leaves what it may: invariants 1 to 3, 7, 8', async () => {
      const trace = TRACES.find((one) => one.name === name)
      if (!trace) throw new Error('there is no such trace')
      const exhaustive = new Exhaustive(trace, 'flush', 1)
      await exhaustive.prepare()
      const { first, last } = await exhaustive.calls()
      let states = 0
      for (let at = first; at <= last; at += 2) states += await exhaustive.states(at)
      console.log(`states after a power cut: ${name}: ${states} runs`)
      expect(states).toBeGreaterThan(last - first)
    }, 300_000)
  },
)
