"""Queries to grid-trader. This is a program of its own, beside the bot: it may only read the bot's state, it answers while
the bot is busy, and what goes wrong here cannot hurt the bot.

    /portfolio          cash, open lots, profit
    /trades?limit=5     the latest trades, newest first
    /status             price, number of ticks and trades

/health and /info (a list of all paths) come with the SDK.
"""

from the0 import query, state


@query.handler("/portfolio")
def portfolio(req):
    account = load_account()
    held = sum(lot["size"] for lot in account["lots"])
    value = account["cash"] + held * account["price"]
    return {
        "symbol": account["symbol"],
        "cash": account["cash"],
        "lots": account["lots"],
        "held": round(held, 6),
        "value": round(value, 2),
        "realized_profit": account["profit"],
        "total_profit": round(value - account["start_cash"], 2),
    }


@query.handler("/trades")
def trades(req):
    # Parameters of a URL are strings.
    limit = int(req.get("limit", 10))
    if limit < 1:
        raise ValueError("limit must be a whole number from 1")
    account = load_account()
    return {"total": account["trade_count"], "trades": account["trades"][-limit:][::-1]}


@query.handler("/status")
def status(req):
    account = load_account()
    return {
        "symbol": account["symbol"],
        "price": account["price"],
        "ticks": account["ticks"],
        "trades": account["trade_count"],
        "config": query.get_config(),
    }


def load_account():
    account = state.get("account")
    if account is None:
        # What a handler raises becomes the error that the caller reads.
        raise RuntimeError("No account yet: the bot has just been started for the first time")
    return account


if __name__ == "__main__":
    query.run()
