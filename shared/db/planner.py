"""What Postgres' planner is told where its statistics are wrong: of tables that imports fill and empty all the time."""

from sqlalchemy import text

BY_INDEX = text("SET LOCAL enable_seqscan = off")
"""For look-ups that all have their index. It holds until the transaction ends, also for what is asked after them."""

AS_IT_LIKES = text("SET LOCAL enable_seqscan = on")
"""For what goes through whole tables, in a transaction in which there were such look-ups."""
