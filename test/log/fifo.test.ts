/** A list that is added to behind and taken from in front, beside an array that does the same. */
import { expect, test } from 'vitest'
import { Fifo } from '../../src/log/fifo.ts'
import { Random } from '../../src/system/simulated/random.ts'

test('nothing is left of an empty one', () => {
  const fifo = new Fifo<number>()
  expect([fifo.length, fifo.first, fifo.last, fifo.take(), fifo.takeAll()]).toEqual([
    0,
    undefined,
    undefined,
    undefined,
    [],
  ])
  fifo.push(7)
  expect([fifo.take(), fifo.last, fifo.length]).toEqual([7, undefined, 0])
})

test.each([1, 2, 3, 4])('does what an array does (seed %d)', (seed) => {
  const random = new Random(seed)
  // Half of them give places back as soon as they can.
  const fifo = seed % 2 === 0 ? new Fifo<number>(16) : new Fifo<number>()
  let array: number[] = []
  for (let step = 0; step < 4000; step++) {
    const shape = random.below(1000) === 0 ? 0 : 1 + random.below(99)
    // Phases in which it grows and in which it empties.
    const isGrowing = step % 1000 < 500
    if (shape === 0) {
      expect(fifo.takeAll()).toEqual(array)
      array = []
    } else if (shape < (isGrowing ? 70 : 30)) {
      fifo.push(step)
      array.push(step)
    } else expect(fifo.take()).toBe(array.shift())
    expect([fifo.length, fifo.first, fifo.last]).toEqual([array.length, array[0], array.at(-1)])
    const index = random.below(20) - 2
    expect(fifo.at(index)).toBe(array[index])
    expect(fifo.some((item) => item % 7 === 0)).toBe(array.some((item) => item % 7 === 0))
  }
})
