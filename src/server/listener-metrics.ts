/** The metrics of listeners in the text format of Prometheus, beside those of a store. Pure. */
import type { Listener, ListenerTotals } from './listen/types.ts'

interface ListenerMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly read: (totals: ListenerTotals) => number
}

/** The table of `docs/observability.md` is this one. */
export const LISTENER_METRICS: readonly ListenerMetric[] = [
  {
    name: 'qlog_server_connections',
    type: 'gauge',
    help: 'Connections that are open.',
    read: ({ open }) => open,
  },
  {
    name: 'qlog_server_connections_total',
    type: 'counter',
    help: 'Connections that were taken.',
    read: ({ connections }) => connections,
  },
  {
    name: 'qlog_server_refused_total',
    type: 'counter',
    help: 'Connections that came when there were too many.',
    read: ({ refused }) => refused,
  },
  {
    name: 'qlog_server_read_bytes_total',
    type: 'counter',
    help: 'Bytes that came.',
    read: ({ bytesRead }) => bytesRead,
  },
  {
    name: 'qlog_server_written_bytes_total',
    type: 'counter',
    help: 'Bytes of answers that were taken.',
    read: ({ bytesWritten }) => bytesWritten,
  },
]

const ENDED = 'qlog_server_ended_total'

/** Every metric of the listeners as of now. */
export function listenerMetricsText(listeners: readonly Listener[]): string {
  const lines: string[] = []
  const rows = listeners.map((listener) => ({
    totals: listener.totals(),
    labels: `protocol="${listener.protocol}",address="${escaped(listener.address)}"`,
  }))
  for (const { name, type, help, read } of LISTENER_METRICS) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const { totals, labels } of rows) lines.push(`${name}{${labels}} ${read(totals)}`)
  }
  lines.push(`# HELP ${ENDED} Connections that the server ended, by the reason.`)
  lines.push(`# TYPE ${ENDED} counter`)
  for (const { totals, labels } of rows) {
    for (const [why, count] of Object.entries(totals.endedBy)) {
      lines.push(`${ENDED}{${labels},why="${why}"} ${count}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
