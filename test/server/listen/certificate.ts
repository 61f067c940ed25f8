/** A certificate for tests, made where openssl is installed. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Undefined where there is no openssl: say so aloud. */
export function makeCertificate(directory: string): { cert: string; key: string } | undefined {
  const key = join(directory, 'key.pem')
  const cert = join(directory, 'cert.pem')
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const rest = ['-nodes', '-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert]
  const made = spawnSync('openssl', [...words, ...rest], { stdio: 'ignore' })
  if (made.status !== 0) return undefined
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
