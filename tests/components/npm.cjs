// npm's own reader of lockfiles as a judge. Reads a list of cases ({"package-lock.json": text, ...}) from the file that it is
// given, and writes for each what npm finds, {"nodes": [[location, name, version]], "edges": [[from, to]]}, or {"error": text}.
'use strict'
const { realpathSync, mkdtempSync, writeFileSync, rmSync, readFileSync, existsSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

const found = process.env.PATH.split(':').map((dir) => path.join(dir, 'npm')).find((file) => existsSync(file))
const roots = [path.join(path.dirname(realpathSync(found)), '..', 'node_modules'), '/usr/share/nodejs']
const arborist = roots.map((root) => path.join(root, '@npmcli', 'arborist')).find((dir) => existsSync(dir))
const Arborist = require(arborist)

async function judge(files) {
  const folder = mkdtempSync(path.join(tmpdir(), 'judge'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
    const tree = await new Arborist({ path: folder, offline: true }).loadVirtual()
    // as the file has them: what npm loads has names and flags of its own
    const packages = JSON.parse(files['package-lock.json']).packages || {}
    const isNothing = ({ location }) => {
      const { version, resolved, optional, devOptional, link } = packages[location] || { version: true }
      return location.includes('node_modules') && !version && !resolved && !link && Boolean(optional || devOptional)
    }
    const kept = [...tree.inventory.values()].filter((node) => !node.isRoot && !node.isLink && !isNothing(node))
    const row = (node) => {
      const { name } = packages[node.location] || {}
      const link = [...node.linksIn][0]
      // an alias of lockfile version 1
      const alias = /^npm:(.+)@([^@]+)$/.exec(node.version || '')
      return [node.location, alias ? alias[1] : name || (link || node).name, alias ? alias[2] : node.version || '']
    }
    const nodes = kept.map(row)
    const edges = kept.flatMap((node) =>
      [...node.edgesOut.values()]
        .filter((edge) => edge.to && !isNothing(edge.to.target) && edge.to.target !== node && !edge.to.target.isRoot)
        .map((edge) => [node.location, edge.to.target.location]))
    return { nodes, edges }
  } catch (error) {
    return { error: String(error.message) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function main() {
  const answers = []
  for (const files of JSON.parse(readFileSync(process.argv[2], 'utf8'))) answers.push(await judge(files))
  process.stdout.write(JSON.stringify(answers))
}
main()
