/** Lists of tubes as beanstalkd keeps them: whatever leaves, the last one takes its place. Pure. */

/** Takes out the item of this row, which has to be there. */
export function removeRow<T>(list: T[], row: number): void {
  const last = list.pop()
  if (last !== undefined && row < list.length) list[row] = last
}
