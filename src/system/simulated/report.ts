/**
 * Counts what a run reached: calls, faults, crashes, and whatever its caller notes (rows of a
 * verdict table, say). Something never reached is something never tested. Pure.
 */

export type ReportSection = 'calls' | 'faults' | 'crashes' | 'notes'

const SECTIONS: readonly ReportSection[] = ['calls', 'faults', 'crashes', 'notes']

export class Report {
  readonly calls = new Map<string, number>()
  readonly faults = new Map<string, number>()
  readonly crashes = new Map<string, number>()
  readonly notes = new Map<string, number>()

  count(section: ReportSection, name: string): void {
    const counts = this[section]
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }

  /** Counts something of the caller's own. */
  note(name: string): void {
    this.count('notes', name)
  }

  /** Adds another run's counts to these. */
  add(other: Report): void {
    for (const section of SECTIONS) {
      for (const [name, times] of other[section]) {
        this[section].set(name, (this[section].get(name) ?? 0) + times)
      }
    }
  }

  /** Those of `names` that were never noted. */
  missingNotes(names: readonly string[]): string[] {
    return names.filter((name) => !this.notes.has(name))
  }

  lines(): string[] {
    return SECTIONS.flatMap((section) => {
      const rows = [...this[section]].sort(([left], [right]) => (left < right ? -1 : 1))
      return rows.map(([name, times]) => `${section.padEnd(8)} ${name.padEnd(32)} ${times}`)
    })
  }
}
