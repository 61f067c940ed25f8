/** The caller asked for something that cannot be meant: exit code 2, nothing done. Pure. */
export class UsageError extends Error {
  /** What to do instead, in one sentence. */
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'UsageError'
    this.remedy = remedy
  }
}
