/** The metrics of a store in the text format of Prometheus, for a server of one's own. Pure. */
import type { Store } from '../types/store.ts'
import { metricStatsOf } from './metric-source.ts'
import { METRICS, type MetricLabels } from './metrics.ts'

/** What to send in `Content-Type` beside it. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Every metric of {@link METRICS} as of now. A store that has failed or is closed tells its last figures. */
export function metricsText(store: Pick<Store, 'stats'>): string {
  const stats = metricStatsOf(store)
  const lines: string[] = []
  for (const { name, help, type, read } of METRICS) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const { suffix = '', labels, value } of read(stats)) {
      lines.push(`${name}${suffix}${textOf(labels)} ${value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function textOf(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Names of queues may hold anything. */
function escaped(value: string | number): string {
  return String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
