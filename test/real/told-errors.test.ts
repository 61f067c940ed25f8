/**
 * What the log relies on where several writes of one file are under way and the disk fails: each open file
 * description is told. Real calls on a file system whose image stands on a full tmpfs; no qlog.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { expect, test } from 'vitest'
import { LoopDisk } from './loop-disk.ts'
import { disksAvailable, mountedMemory, SmallDisk } from './small-disk.ts'

const MIB = 1024 * 1024
const FILE_BYTES = 8 * MIB
const WRITE_BYTES = 4096
const OVERLAPPING = 3
const ROUNDS = 200
const FLAGS = fs.constants.O_RDWR | fs.constants.O_DSYNC

/** The file, in blocks that exist for its file system and that nothing below has room for. */
async function onFailingDisk(work: (file: string) => Promise<void>): Promise<void> {
  const memory = mountedMemory(48 * MIB)
  try {
    const disk = new LoopDisk('ext4', 24 * MIB, memory.directory)
    try {
      const file = `${disk.directory}/file`
      const descriptor = fs.openSync(file, 'w')
      fs.writeSync(descriptor, Buffer.alloc(FILE_BYTES))
      fs.fsyncSync(descriptor)
      fs.closeSync(descriptor)
      execFileSync('fallocate', ['--dig-holes', `${memory.directory}/image`])
      new SmallDisk(memory.directory).addBallast(Number.POSITIVE_INFINITY)
      await work(file)
    } finally {
      disk.dispose()
    }
  } finally {
    memory.dispose()
  }
}

/** Three writes at once; how many were told that they failed. */
async function failuresOf(file: string, round: number, isShared: boolean): Promise<number> {
  const open = () => fs.openSync(file, FLAGS)
  const shared = isShared ? open() : undefined
  const descriptors = Array.from({ length: OVERLAPPING }, () => shared ?? open())
  const body = Buffer.alloc(WRITE_BYTES, 1 + (round % 250))
  const write = (descriptor: number, at: number) =>
    new Promise<boolean>((resolve) => {
      fs.write(descriptor, body, 0, WRITE_BYTES, at, (error) => resolve(error !== null))
    })
  const places = descriptors.map((_, row) => (round * OVERLAPPING + row) * WRITE_BYTES)
  const failed = await Promise.all(
    descriptors.map((descriptor, row) => write(descriptor, (places[row] ?? 0) % FILE_BYTES)),
  )
  for (const descriptor of new Set(descriptors)) fs.closeSync(descriptor)
  return failed.filter((isFailed) => isFailed).length
}

const isPossible = disksAvailable().includes('ext4')

test.skipIf(!isPossible)(
  'where the disk fails, each of three writes at once is told through a description of its own',
  async () => {
    await onFailingDisk(async (file) => {
      const counts = { own: 0, shared: 0 }
      for (let round = 0; round < ROUNDS; round++) {
        counts.own += await failuresOf(file, round, false)
        counts.shared += await failuresOf(file, round, true)
      }
      const all = ROUNDS * OVERLAPPING
      console.log(`of ${all} writes that failed ${counts.shared} are told through one description`)
      expect(counts.own).toBe(all)
    })
  },
)

/** What a flush through this description tells. */
function flushed(descriptor: number): 'told' | 'not told' {
  try {
    fs.fdatasyncSync(descriptor)
    return 'not told'
  } catch {
    return 'told'
  }
}

test.skipIf(!isPossible)(
  'a description that is opened behind an error that another was told is not told',
  async () => {
    await onFailingDisk(async (file) => {
      const before = [
        fs.openSync(file, fs.constants.O_RDWR),
        fs.openSync(file, fs.constants.O_RDWR),
      ]
      const [writer = 0, other = 0] = before
      fs.writeSync(writer, Buffer.alloc(WRITE_BYTES, 7), 0, WRITE_BYTES, 64 * 1024)
      const first = flushed(other)
      const behind = fs.openSync(file, fs.constants.O_RDWR)
      const all = [first, flushed(behind), flushed(writer)]
      for (const descriptor of [...before, behind]) fs.closeSync(descriptor)
      // The flush of `interval` rests on the outer two; were the one between told, too, it could be opened late.
      expect(all).toEqual(['told', 'not told', 'told'])
    })
  },
)
