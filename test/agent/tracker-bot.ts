/**
 * A scheduled bot as the portfolio tracker that contract 13.2 names: its state grows by one with each run, and a question
 * reads it.
 */
export const TRACKER = {
  'main.py': `
import logging
from the0 import metric, state, success
logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger(__name__)
def main(bot_id, config):
    history = state.get("portfolio_history", [])
    history.append({"value": 1000 + len(history)})
    state.set("portfolio_history", history[-100:])
    log.info("value updated")
    metric("portfolio_value", {"value": history[-1]["value"]})
    for symbol in config["symbols"]:
        metric("position", {"symbol": symbol})
    success("tracked", {"history_count": len(history)})
`,
  'query.py': `
from the0 import query, state
@query.handler("/history")
def history(req):
    return state.get("portfolio_history", [])[-int(req.get("limit", 10)):]
query.run()
`,
};
