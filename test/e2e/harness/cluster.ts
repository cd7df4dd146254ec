/** A cluster of real server processes on ports of this machine, and the questions one asks it. */
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Consistency, MemberInfo, NodeStatus } from '../../../src/api/index.ts'
import { connect } from '../../../src/client/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { freePorts } from './ports.ts'
import { expect } from './report.ts'
import { ServerProcess } from './server-process.ts'
import { sleep, until, watch } from './wait.ts'

/** One place in the cluster: an address, a directory, and whatever process runs there. */
export interface Place {
  readonly name: string
  readonly address: string
  readonly dataDir: string
  /** The last process started here, running or not. */
  process: ServerProcess | undefined
}

/** Options of {@link Cluster.make}. */
export interface ClusterOptions {
  /** Holds the data directories and logs. */
  readonly directory: string
  /** Names in the `--peers` list. */
  readonly founders: readonly string[]
  /** Further names that get an address. */
  readonly others?: readonly string[]
  /** Further arguments of every server. */
  readonly args?: readonly string[]
  /** Data directories that are not `directory/NAME`. */
  readonly dataDirs?: Readonly<Record<string, string>>
}

/** How one start differs from the usual. */
export interface StartOptions {
  /** Start with `--join` and these places' addresses instead of `--peers`. */
  readonly join?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly wrapper?: readonly string[]
}

const statusTimeoutMs = 1_000

/** Places, processes and clients of one cluster. */
export class Cluster {
  readonly places: ReadonlyMap<string, Place>
  private readonly options: ClusterOptions
  private readonly lone = new Map<string, Promise<Client>>()
  private readonly clients = new Set<Client>()
  private readonly joined = new Map<string, readonly string[]>()

  /** Takes free ports and makes the directory. Nothing is started. */
  static async make(options: ClusterOptions): Promise<Cluster> {
    mkdirSync(options.directory, { recursive: true })
    const names = [...options.founders, ...(options.others ?? [])]
    const ports = await freePorts(names.length)
    return new Cluster(
      options,
      names.map((name, at) => ({
        name,
        address: `127.0.0.1:${ports[at]}`,
        dataDir: options.dataDirs?.[name] ?? join(options.directory, name),
        process: undefined,
      })),
    )
  }

  private constructor(options: ClusterOptions, places: readonly Place[]) {
    this.options = options
    this.places = new Map(places.map((place) => [place.name, place]))
  }

  /** The place of this name. */
  at(name: string): Place {
    const place = this.places.get(name)
    if (place === undefined) throw new Error(`there is no place ${name}`)
    return place
  }

  /** The process at a place. */
  server(name: string): ServerProcess {
    const { process } = this.at(name)
    if (process === undefined) throw new Error(`${name} was never started`)
    return process
  }

  /** Names of places whose process runs. */
  get running(): string[] {
    return [...this.places.values()].filter(({ process }) => process?.running === true).map(({ name }) => name)
  }

  /** The `--peers` list. */
  get peers(): string {
    return this.options.founders.map((name) => `${name}=${this.at(name).address}`).join(',')
  }

  /** Addresses of some places, all by default. */
  endpoints(names: readonly string[] = [...this.places.keys()]): string[] {
    return names.map((name) => this.at(name).address)
  }

  /** Starts a server: with `--peers`, or with `--join` if it was ever started so. */
  start(name: string, options: StartOptions = {}): ServerProcess {
    const place = this.at(name)
    expect(place.process?.running !== true, `${name} runs already`)
    if (options.join !== undefined) this.joined.set(name, this.endpoints(options.join))
    const process = new ServerProcess({
      args: this.command(name),
      logPath: join(this.options.directory, `${name}.log`),
      ...(options.environment === undefined ? {} : { environment: options.environment }),
      ...(options.wrapper === undefined ? {} : { wrapper: options.wrapper }),
    })
    place.process = process
    return process
  }

  /** Arguments that {@link start} gives to `nitrostate server`. */
  command(name: string): string[] {
    const { address, dataDir } = this.at(name)
    const join = this.joined.get(name)
    const entry = join === undefined ? ['--peers', this.peers] : ['--join', join.join(',')]
    return ['--name', name, '--data-dir', dataDir, '--listen', address, ...entry, ...(this.options.args ?? [])]
  }

  /** From now on the place is started with `--peers` again, as at first. */
  forgetJoin(name: string): void {
    this.joined.delete(name)
  }

  /** Starts some servers and waits until they serve together. */
  async startWhole(names: readonly string[]): Promise<void> {
    for (const name of names) this.start(name)
    await this.whole(names)
  }

  /** Removes a stopped place's data directory. */
  wipe(name: string): void {
    const { dataDir, process } = this.at(name)
    expect(process?.running !== true, `${name} still runs`)
    rmSync(dataDir, { recursive: true, force: true })
  }

  /** Moves a stopped place's data directory aside, as operators are told to. */
  setAside(name: string): string {
    const { dataDir } = this.at(name)
    const aside = `${dataDir}.lost-${performance.now().toFixed(0)}`
    renameSync(dataDir, aside)
    return aside
  }

  /** A client of the whole cluster; closed with it. */
  async client(names: readonly string[] = [...this.places.keys()], timeoutMs = 10_000): Promise<Client> {
    const client = await connect({ endpoints: this.endpoints(names), timeoutMs, connectTimeoutMs: 10_000 })
    this.clients.add(client)
    return client
  }

  /** A client that stays with the node it reached, whoever leads, until it has to go elsewhere; closed with the cluster. */
  async reader(): Promise<Client> {
    const client = await connect({ endpoints: this.endpoints(), followLeader: false, connectTimeoutMs: 10_000 })
    this.clients.add(client)
    return client
  }

  /** A client that talks to this one node, whoever leads. */
  only(name: string): Promise<Client> {
    let client = this.lone.get(name)
    if (client === undefined) {
      client = connect({ endpoints: [this.at(name).address], followLeader: false, connectTimeoutMs: statusTimeoutMs })
      this.lone.set(name, client)
      client.catch(() => this.lone.delete(name))
    }
    return client
  }

  /** What a node says of itself; undefined when it does not answer. */
  async status(name: string): Promise<NodeStatus | undefined> {
    if (this.at(name).process?.running !== true) return undefined
    try {
      const client = await this.only(name)
      return await client.admin.status({ timeoutMs: statusTimeoutMs })
    } catch {
      return undefined
    }
  }

  /** The member table as the node has it. */
  async members(name: string): Promise<readonly MemberInfo[]> {
    const client = await this.only(name)
    return client.admin.members({ timeoutMs: statusTimeoutMs })
  }

  /** Waits until all of these nodes serve and follow one leader among them; resolves with its name. */
  whole(names: readonly string[], timeoutMs = 30_000): Promise<string> {
    return until(
      `${names.join(', ')} serve under one leader`,
      async () => {
        for (const name of names) expect(this.server(name).running, () => this.dead(name))
        const all = await Promise.all(names.map((name) => this.status(name)))
        const [first] = all
        if (first === undefined || !names.includes(first.leader)) return undefined
        return all.every((one) => one?.ready === true && one.leader === first.leader) ? first.leader : undefined
      },
      { timeoutMs, why: () => this.tails(names) },
    )
  }

  /** Waits until the node is a voter and serves. */
  async voter(name: string, others: readonly string[], timeoutMs = 30_000): Promise<void> {
    await until(
      `${name} is a voter`,
      async () => {
        const [asked] = others
        const members = await this.members(asked as string)
        return members.some((one) => one.name === name && one.role === 'voter' && one.incarnation !== '')
      },
      { timeoutMs, why: () => this.tails([name]) },
    )
    await this.whole([name, ...others], timeoutMs)
  }

  /** Waits for a moment at which all of these nodes stand at one index, and compares their hashes there. */
  async hashesAgree(names: readonly string[], timeoutMs = 20_000): Promise<string> {
    const seen = await until(
      `${names.join(', ')} stand at one index`,
      async () => {
        const hashes = await Promise.all(
          names.map(async (name) => (await this.only(name)).admin.hash({ timeoutMs: statusTimeoutMs })),
        )
        return hashes.every((one) => one.index === hashes[0]?.index) ? hashes : undefined
      },
      { timeoutMs, why: () => this.tails(names) },
    )
    const [first] = seen
    expect(
      seen.every((one) => one.hash === first?.hash),
      () => `hashes differ at index ${first?.index}: ${seen.map((one) => `${one.name} ${one.hash}`).join(', ')}`,
    )
    return `index ${first?.index}, hash ${first?.hash.slice(0, 8)}`
  }

  /** Watches that none of these nodes becomes leader for `ms`, and that at the end none of them knows one. */
  async nobodyLeads(names: readonly string[], ms = 10_000): Promise<string> {
    const looks = await watch(ms, async () => {
      for (const name of names) {
        const status = await this.status(name)
        expect(status?.role !== 'leader', () => `${name} leads in term ${status?.term}\n${this.tails(names)}`)
      }
    })
    for (const name of names) {
      const status = await this.status(name)
      expect(status === undefined || status.leader === '', `${name} follows ${status?.leader}`)
    }
    return `looked ${looks} times in ${ms / 1000} s`
  }

  /** Every key and value that one node answers with; by default from its own applied state. */
  async contents(name: string, consistency: Consistency = 'committed'): Promise<Map<string, string>> {
    const client = await this.only(name)
    const found = new Map<string, string>()
    for await (const entry of client.store.entries({ consistency })) {
      found.set(entry.keyText(), entry.text())
    }
    return found
  }

  private dead(name: string): string {
    const { exited } = this.server(name)
    return `${name} has ended (code ${exited?.code}, signal ${exited?.signal}):\n${this.server(name).tail()}`
  }

  /** The last lines that these servers wrote. */
  tails(names: readonly string[]): string {
    return names.map((name) => `--- ${name}\n${this.at(name).process?.tail(6) ?? '(never started)'}`).join('\n')
  }

  /** Closes clients and ends all processes. */
  async close(): Promise<void> {
    const lone = await Promise.allSettled(this.lone.values())
    const connected = lone.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.allSettled([...connected, ...this.clients].map((client) => client.close()))
    const started = [...this.places.values()].flatMap(({ process }) => (process === undefined ? [] : [process]))
    for (const server of started) server.resume()
    await Promise.race([Promise.all(started.map((server) => server.stop())), sleep(5_000)])
    await Promise.all(started.map((server) => server.kill()))
  }
}
