import { setTimeout as delay } from 'node:timers/promises';
import { Poison } from './poison.ts';
import { questioned } from './questions.ts';
import type { RoleName } from './role-process.ts';
import type { Round } from './round.ts';
import { badlyScheduled, scheduled } from './schedules.ts';
import type { ServiceName } from './services-stage.ts';
import { handedOver } from './two-runners.ts';

/** What may go wrong in a round. */
export interface Kind {
  readonly name: string;
  readonly role: RoleName;
  readonly run: (round: Round) => Promise<void>;
}

export const KINDS: readonly [Kind, ...Kind[]] = [
  { name: 'the runtime is killed', role: 'bot-runner', run: (round) => killed(round, null) },
  { name: 'MongoDB is away', role: 'bot-runner', run: (round) => killed(round, 'mongo') },
  { name: 'NATS is away', role: 'bot-runner', run: (round) => killed(round, 'nats') },
  { name: 'the object store is away', role: 'bot-runner', run: (round) => killed(round, 'minio') },
  { name: 'Docker is away', role: 'bot-runner', run: (round) => killed(round, 'docker') },
  { name: 'bad messages and documents', role: 'bot-runner', run: poisoned },
  { name: 'another one takes over', role: 'bot-runner', run: handedOver },
  { name: 'the scheduler is killed', role: 'bot-scheduler', run: (round) => scheduled(round, null) },
  { name: 'MongoDB is away, of the scheduler', role: 'bot-scheduler', run: (round) => scheduled(round, 'mongo') },
  { name: 'NATS is away, of the scheduler', role: 'bot-scheduler', run: (round) => scheduled(round, 'nats') },
  {
    name: 'the object store is away, of the scheduler',
    role: 'bot-scheduler',
    run: (round) => scheduled(round, 'minio'),
  },
  { name: 'Docker is away, of the scheduler', role: 'bot-scheduler', run: (round) => scheduled(round, 'docker') },
  { name: 'bad messages and documents of schedules', role: 'bot-scheduler', run: badlyScheduled },
  { name: 'the query server is killed, services are away', role: 'query-server', run: questioned },
];

/** Events flow, before, while and after the runtime is killed; now and then a service is in trouble in the meantime. */
async function killed(round: Round, service: ServiceName | null): Promise<void> {
  const { random, size } = round;
  round.start();
  await round.createAll();
  if (random.chance(0.7)) await round.settles();
  while (round.kills < size.kills) {
    const isTroubled = service !== null && random.chance(0.7);
    if (isTroubled) {
      await round.trouble(service);
      await round.publishSome(4);
      await delay(random.between(0, 1_500));
      if (random.chance(0.5)) await round.mend();
    }
    await round.killSomewhere();
    if (random.chance(0.7)) await round.publishSome(4);
    round.start(random.chance(0.15) ? 'new' : 'same');
    await delay(random.between(0, 1_000));
    await round.mend();
    if (random.chance(0.2)) await round.settles();
  }
  await round.publishSome(6);
  await round.check();
  await round.leavesAllInPeace();
  await round.removeAll();
}

/** The rest goes on as if there were none. */
async function poisoned(round: Round): Promise<void> {
  const { random, size } = round;
  const poison = new Poison(round);
  round.start();
  await round.createAll();
  while (round.kills < size.kills) {
    await poison.spread();
    await round.killSomewhere();
    await poison.spread();
    if (random.chance(0.7)) await round.publishSome(4);
    round.start(random.chance(0.15) ? 'new' : 'same');
  }
  await poison.rest();
  await round.publishSome(6);
  await round.check();
  await poison.isShown();
  await round.leavesAllInPeace();
  await poison.isShown();
  await poison.remove();
  await round.removeAll();
}
