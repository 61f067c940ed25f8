/**
 * The end of an event: when every microtask has run, and what follows from it. Ticks run between two
 * drains of the microtasks, so one that a microtask asks for comes behind all of them.
 */
export function soon(callback: () => void): void {
  queueMicrotask(() => process.nextTick(callback))
}
