// Popularity against rating: are films that many rate rated better?
MATCH (m:Movie)<-[r:RATED]-(:User)
WITH m, count(r) AS ratings, avg(r.value) AS mean
WITH CASE WHEN ratings < 2 THEN '1' WHEN ratings < 5 THEN '2 to 4' WHEN ratings < 20 THEN '5 to 19'
     WHEN ratings < 100 THEN '20 to 99' ELSE '100 and more' END AS ratings_each, ratings, mean
RETURN ratings_each, count(*) AS films, sum(ratings) AS ratings, round(avg(mean) * 100) / 100 AS mean_rating,
       min(ratings) AS fewest
ORDER BY fewest
