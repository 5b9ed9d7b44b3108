-- Frozen once released: lists that hold for a variant, a row for each part. A variant that has a list of a kind has all of that
-- kind from there (`is_own`), else from its product: lists are replaced, never merged. Figures are in `effective_variants`.
CREATE VIEW catalog.effective_materials WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id AS variant_id, o.position, e.name AS material, o.percentage, true AS is_own
  FROM catalog.product_variants v
  JOIN catalog.variant_materials o ON o.variant_id = v.id
  JOIN catalog.materials e ON e.id = o.material_id
UNION ALL
SELECT v.tenant_id, v.id, o.position, e.name, o.percentage, false
  FROM catalog.product_variants v
  JOIN catalog.product_materials o ON o.product_id = v.product_id
  JOIN catalog.materials e ON e.id = o.material_id
 WHERE NOT EXISTS (SELECT FROM catalog.variant_materials own WHERE own.variant_id = v.id);
CREATE VIEW catalog.effective_eco_claims WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id AS variant_id, o.position, e.name AS eco_claim, true AS is_own
  FROM catalog.product_variants v
  JOIN catalog.variant_eco_claims o ON o.variant_id = v.id
  JOIN catalog.eco_claims e ON e.id = o.eco_claim_id
UNION ALL
SELECT v.tenant_id, v.id, o.position, e.name, false
  FROM catalog.product_variants v
  JOIN catalog.product_eco_claims o ON o.product_id = v.product_id
  JOIN catalog.eco_claims e ON e.id = o.eco_claim_id
 WHERE NOT EXISTS (SELECT FROM catalog.variant_eco_claims own WHERE own.variant_id = v.id);
CREATE VIEW catalog.effective_journey_steps WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id AS variant_id, o.step, o.position, e.name AS facility, true AS is_own
  FROM catalog.product_variants v
  JOIN catalog.variant_journey_steps o ON o.variant_id = v.id
  JOIN catalog.facilities e ON e.id = o.facility_id
UNION ALL
SELECT v.tenant_id, v.id, o.step, o.position, e.name, false
  FROM catalog.product_variants v
  JOIN catalog.product_journey_steps o ON o.product_id = v.product_id
  JOIN catalog.facilities e ON e.id = o.facility_id
 WHERE NOT EXISTS (SELECT FROM catalog.variant_journey_steps own WHERE own.variant_id = v.id);
GRANT SELECT ON catalog.effective_materials, catalog.effective_eco_claims, catalog.effective_journey_steps
    TO winnow_reader, winnow_operator;
