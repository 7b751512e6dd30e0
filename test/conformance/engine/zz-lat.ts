import { dockerHarness } from './docker-harness.ts';
import { recordingListener } from './recording-listener.ts';
import { docker } from '../../services/docker.ts';
import { containerName } from '../../../src/engine/docker/container-name.ts';
import * as bots from './bots.ts';
const h = await dockerHarness();
try {
const times: number[] = []; let die = 0; 
  const engine = h.makeEngine({ trace: ({step}) => { if (step==='die-received') die = performance.now(); if (step==='exit-reported') times.push(performance.now()-die); } });
  const seen = recordingListener(); await engine.watch(seen);
  const def = await h.makeBot(bots.exits(3));
  let inPlace: string|null = null; let inc = Date.now(); const cyc: number[] = [];
  for (let i=0;i<40;i++) { const t=performance.now(); const o = await engine.start({definition: def, incarnation: ++inc, inPlace}); if (i) cyc.push(performance.now()-t); inPlace = o.container?.containerId ?? null; if (i) cyc; await seen.exitOf(def.id, inc); }
  times.sort((a,b)=>a-b); cyc.sort((a,b)=>a-b); console.log('die->observation p50', times[20]?.toFixed(2), 'p90', times[36]?.toFixed(2), 'max', times.at(-1)?.toFixed(2), JSON.stringify(seen.of(def.id).at(-1)?.lastExit), 'start in place p50', cyc[20]?.toFixed(0));
  // cold start
  const defs = await Promise.all(Array.from({length: 60}, () => h.makeBot(bots.idle)));
  const t0 = performance.now(); const q = [...defs]; 
  await Promise.all([1,2,3,4].map(async () => { for (let d; (d = q.pop()); ) await engine.start({definition: d, incarnation: ++inc, inPlace: null}); }));
  console.log('60 cold through engine', (performance.now()-t0).toFixed(0));

  const shapes = await Promise.all(defs.map(async d => { const c = docker.getContainer(containerName(d.id)); const x: any = await c.inspect(); return { c, o: { ...x.Config, Hostname: undefined, HostConfig: x.HostConfig, name: x.Name.slice(1) } }; }));
  await Promise.all(shapes.map(({c}) => c.remove({force: true})));
  const tb = performance.now(); const qb = [...shapes];
  await Promise.all([1,2,3,4].map(async () => { for (let d; (d = qb.pop()); ) { const c = await docker.createContainer(d.o); await c.start(); } }));
  console.log('60 cold bare loop', (performance.now()-tb).toFixed(0));
  await engine.close();
} finally { await h.cleanup(); }
