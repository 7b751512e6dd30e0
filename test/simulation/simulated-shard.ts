import type { BotBehavior } from '../../actors/behavior.ts';
import type { BotEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { createLocalShard } from '../../src/kernel/local-shard.ts';
import type { Shard } from '../../src/kernel/shard.ts';

/** The real kernel on the virtual clock. */
export function simulatedShard(options: {
  clock: Clock;
  behavior: BotBehavior;
  messagesPerActorTurn: number;
  onEffect: (effect: BotEffect) => void;
  onViolation: (text: string) => void;
}): Shard<BotMessage> {
  const { clock, behavior, messagesPerActorTurn, onEffect, onViolation } = options;
  return createLocalShard({
    id: 'shard-0',
    behavior,
    clock,
    limits: {
      mailboxSize: 256,
      messagesPerActorTurn,
      turnBudgetMs: 5,
      dueTimersPerTurn: 1_024,
      unhandledEnvelopes: 100_000,
      restartBudget: { count: 3, withinMs: 60_000 },
      controlDeadlineMs: 10_000,
    },
    listener: {
      effects: (batch) => {
        for (const { effect } of batch) onEffect(effect);
      },
      undelivered: (batch) => {
        for (const { envelope, cause } of batch) {
          if (cause !== 'no-such-actor') onViolation(`${envelope.to}: undelivered, ${cause}`);
        }
      },
      // Shards of the simulator die only when it kills them.
      dead: () => {},
    },
  });
}
