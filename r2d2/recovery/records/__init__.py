"""What is kept about retirements: the journal, receipts told by it, reviews, history, tables for people."""
