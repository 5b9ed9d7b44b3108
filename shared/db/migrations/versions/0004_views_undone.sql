DROP VIEW catalog.effective_materials;
DROP VIEW catalog.effective_eco_claims;
DROP VIEW catalog.effective_journey_steps;
