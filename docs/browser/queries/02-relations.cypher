// Relation counts: what joins what, and how often
MATCH (head)-[r]->(tail)
RETURN labels(head)[0] AS `from`, type(r) AS relation, labels(tail)[0] AS `to`, count(r) AS relations
ORDER BY relations DESC, relation
