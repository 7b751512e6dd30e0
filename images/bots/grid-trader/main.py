"""grid-trader: buys each time the price falls by one step of the grid, sells each lot one step above its price.

No network and no real money: the price is a random walk and the account is on paper. What is real is everything around
it, and that is what a bot is made of: a config, a loop, state that survives restarts, metrics, a log and a clean end.

The runtime loads this file and calls `main(bot_id, config)`; `config` is the object from bot.json.
"""

import random
import signal
import threading
from datetime import datetime, timezone

from the0 import log, metric, state

# State is one JSON file per key and is written as a whole, so nothing in it may grow for ever.
MAX_TRADES = 200


def main(bot_id, config):
    symbol = config.get("symbol", "ETH/USD")
    volatility = config.get("volatility_percent", 0.2) / 100
    step = config.get("grid_percent", 0.25) / 100
    order_value = config.get("order_value", 500)
    tick_seconds = config.get("tick_seconds", 1)

    # All that belongs together is under one key: a write is atomic, so cash, lots and trades always fit each other,
    # even when the bot is killed in the middle of a trade.
    account = state.get("account") or new_account(symbol, config)
    log("Bot started", {"bot": bot_id, "symbol": symbol, "price": account["price"], "lots": len(account["lots"])})

    # The runtime asks a bot to end with SIGTERM and waits a while.
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())

    # Waits one tick, or less when the bot is told to stop.
    while not stop.wait(tick_seconds):
        price = round(account["price"] * (1 + random.uniform(-volatility, volatility)), 2)
        account["price"] = price
        account["ticks"] += 1

        for lot in [lot for lot in account["lots"] if price >= lot["price"] * (1 + step)]:
            account["lots"].remove(lot)
            account["profit"] = round(account["profit"] + lot["size"] * (price - lot["price"]), 2)
            trade(account, "sell", lot["size"], price)

        # The grid hangs on the last price at which something was bought or sold.
        if price <= account["last_trade_price"] * (1 - step) and account["cash"] >= order_value:
            size = round(order_value / price, 6)
            account["lots"].append({"size": size, "price": price})
            trade(account, "buy", size, price)

        # A metric is one line of JSON on standard output; the platform draws charts from them.
        metric("equity", {"symbol": symbol, "price": price, "value": equity(account)})
        state.set("account", account)

    log("Bot stopped", {"equity": equity(account), "lots": len(account["lots"])})


def new_account(symbol, config):
    price = config.get("start_price", 3000)
    return {
        "symbol": symbol,
        "cash": config.get("cash", 10_000),
        "start_cash": config.get("cash", 10_000),
        "lots": [],
        "trades": [],
        "trade_count": 0,
        "profit": 0,
        "price": price,
        "last_trade_price": price,
        "ticks": 0,
    }


def trade(account, side, size, price):
    account["cash"] = round(account["cash"] + (size if side == "sell" else -size) * price, 2)
    account["last_trade_price"] = price
    account["trade_count"] += 1
    entry = {"side": side, "size": size, "price": price, "at": datetime.now(timezone.utc).isoformat()}
    account["trades"] = (account["trades"] + [entry])[-MAX_TRADES:]
    metric("trade", {"symbol": account["symbol"], **entry})


def equity(account):
    """What the account is worth: cash and all lots at today's price."""
    return round(account["cash"] + sum(lot["size"] for lot in account["lots"]) * account["price"], 2)
