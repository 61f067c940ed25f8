/** A job on its way from a beanstalkd into a store, and what takes it there. Types only. */

export interface ImportedJob {
  /** What the beanstalkd called it; the store gives it a number of its own. */
  readonly sourceId: number
  /**
   * Names the job wherever it is met again, so that it is put once; undefined where nothing does that for
   * certain.
   */
  readonly key: string | undefined
  readonly priority: number
  readonly ttrMs: number
  /** What is left of its delay; 0 where it is ready. */
  readonly delayMs: number
  readonly isBuried: boolean
  readonly body: Uint8Array
}

/**
 * What became of one job. `full`: its queue has no room for it, nor is there any for those behind it;
 * `not-buried`: it was put, and is delayed instead, since its group may lease no more.
 */
export type JobOutcome = 'put' | 'known' | 'too-large' | 'full' | 'not-buried'

/** Where jobs go. An outcome is told once it is as durable as the store makes a put. */
export interface JobSink {
  /** In this order. Rejects where the store does; what came before may be durable then. */
  put(tube: string, jobs: readonly ImportedJob[]): Promise<readonly JobOutcome[]>
  pause(tube: string, pauseMs: number): Promise<void>
}
